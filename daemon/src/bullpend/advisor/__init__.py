"""Where work is best done: devices and providers compared, and runs taken to one of them with consent."""
