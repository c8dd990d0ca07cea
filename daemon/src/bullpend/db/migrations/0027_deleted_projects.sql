-- When a project was put into the trash; null elsewhere. Everything in it stays as it is.
ALTER TABLE projects ADD COLUMN delete_time REAL;
