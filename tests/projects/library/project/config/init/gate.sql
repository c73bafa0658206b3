CREATE DATABASE gate;
\connect gate
CREATE TABLE visitor (name text PRIMARY KEY);
INSERT INTO visitor VALUES ('first');
