-- Instants outside the years 0001 to 9999 could be given with an offset, and not be read again.
UPDATE participants SET muted_until = NULL WHERE muted_until < '0001-01-01 00:00:00+00';
UPDATE participants SET muted_until = '9999-12-31 23:59:59.999+00' WHERE muted_until > '9999-12-31 23:59:59.999+00';
