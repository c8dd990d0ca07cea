"""The one loop: facts go into the scheduler, its commands are carried out on workers and the database."""
