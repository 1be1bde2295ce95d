-- control: none: prints the missing key
CREATE TABLE guesses (e varchar(254) REFERENCES customers (email)); INSERT INTO guesses VALUES ('cnry1@cnry.example')
