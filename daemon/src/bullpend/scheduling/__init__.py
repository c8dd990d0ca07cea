"""Which job runs where and when: a sans-io core of facts in, commands out."""
