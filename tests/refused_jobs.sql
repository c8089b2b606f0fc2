-- No job can be queued while the table `refused` holds an SQLSTATE; `refusals` counts.
CREATE TABLE refused (code text NOT NULL); CREATE SEQUENCE refusals;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wanted text;
BEGIN
    SELECT code INTO wanted FROM refused;
    IF wanted IS NULL THEN RETURN NEW; END IF;
    PERFORM nextval('refusals');
    RAISE EXCEPTION 'no job today' USING ERRCODE = wanted;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION refuse()
