-- The database of a module and its two roles; harmless when they are there already.
-- src/supervise/postgres_server.cpp makes the same ones for the embedded server.
SET log_statement = 'none';  -- passwords
SELECT format('CREATE ROLE %I LOGIN', role)
  FROM (VALUES (:'owner'), (:'app')) AS wanted (role)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" PASSWORD :'owner_password' CONNECTION LIMIT 4;
ALTER ROLE :"app" PASSWORD :'app_password' CONNECTION LIMIT 32;

SELECT format('CREATE DATABASE %I OWNER %I', :'module', :'owner')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'module') \gexec
REVOKE ALL ON DATABASE :"module" FROM PUBLIC;  -- CONNECT, TEMPORARY
GRANT CONNECT ON DATABASE :"module" TO :"app";
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;

\connect :"module"
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"app";
