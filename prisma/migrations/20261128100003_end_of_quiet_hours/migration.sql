-- An end that the clock jumps over is where it lands, however far it jumps: two hours at Troll, half an hour on Lord Howe.

CREATE OR REPLACE FUNCTION quiet_hours_end(p_zone text, p_from time, p_until time, p_at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_local timestamp;
  v_wall timestamp;
  v_end timestamptz;
BEGIN
  IF p_from IS NULL THEN
    RETURN NULL;
  END IF;
  v_local := p_at AT TIME ZONE p_zone;
  IF p_from < p_until AND (v_local::time < p_from OR v_local::time >= p_until)
     OR p_from > p_until AND v_local::time < p_from AND v_local::time >= p_until THEN
    RETURN NULL;
  END IF;
  v_wall := v_local::date + (v_local::time >= p_until)::integer + p_until;
  v_end := v_wall AT TIME ZONE p_zone;
  -- Where the clock jumps over the end, PostgreSQL counts on as if it had not, and is too late by less than the jump.
  IF v_end AT TIME ZONE p_zone <> v_wall THEN
    SELECT min(m.at) INTO v_end
    FROM generate_series(v_end - (v_end AT TIME ZONE p_zone - v_wall), v_end, interval '1 minute') AS m (at)
    WHERE m.at AT TIME ZONE p_zone > v_wall;
  END IF;
  RETURN CASE WHEN v_end > p_at THEN v_end END;
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN quiet_hours_end('UTC', p_from, p_until, p_at);
END $$;
