-- A deleted message leaves not only its text behind, but also the place of a LOCATION and the event of a SYSTEM message.
ALTER TABLE message_versions
  ADD COLUMN latitude double precision,
  ADD COLUMN longitude double precision,
  ADD COLUMN location_label text,
  ADD COLUMN system_code text,
  ADD COLUMN system_params jsonb;

CREATE OR REPLACE FUNCTION keep_message_version(p_message messages, p_by text, p_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE AS $$
  INSERT INTO message_versions
    (message_id, version, body, latitude, longitude, location_label, system_code, system_params, replaced_by, replaced_at)
  SELECT p_message.id, coalesce(max(v.version), 0) + 1, p_message.body, p_message.latitude, p_message.longitude,
         p_message.location_label, p_message.system_code, p_message.system_params, p_by, p_at
  FROM message_versions v WHERE v.message_id = p_message.id
$$;
