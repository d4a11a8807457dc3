-- When a transaction changes a row for the second time, PostgreSQL checks its foreign keys again, although they stay: those of
-- the thread and the journals when a status is set, those of the journals when several threads are received. So whoever holds
-- threads and journals may ask for users FOR KEY SHARE, and must not wait for somebody who changes a profile and in turn
-- waits for threads. No key changes with a profile, so FOR NO KEY UPDATE does; FOR SHARE is what keeps it out.

CREATE OR REPLACE FUNCTION hold_profiles(p_ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM users WHERE id = ANY (p_ids) ORDER BY id FOR SHARE;
END $$;

CREATE OR REPLACE FUNCTION upsert_users(
  p_ids text[], p_names text[], p_avatars text[], p_emails text[], p_time_zones text[], p_locales text[], p_service text
) RETURNS jsonb LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_new text[];
  v_seen text[];
  v_now timestamptz;
BEGIN
  SELECT array_agg(DISTINCT asked.id) INTO v_new FROM unnest(p_ids) AS asked (id)
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = asked.id);
  PERFORM ensure_users(p_ids);
  PERFORM 1 FROM users WHERE id = ANY (p_ids) ORDER BY id FOR NO KEY UPDATE;
  v_now := current_instant();
  WITH told AS (
    SELECT DISTINCT ON (id) * FROM unnest(p_ids, p_names, p_avatars, p_emails, p_time_zones, p_locales)
      WITH ORDINALITY AS d (id, display_name, avatar_url, email, time_zone, locale, place)
    ORDER BY id, place DESC
  ), news AS (
    SELECT u.id,
      (SELECT coalesce(jsonb_agg(n.name), '[]') FROM (VALUES
        ('displayName', d.display_name, u.display_name), ('avatarUrl', d.avatar_url, u.avatar_url),
        ('email', d.email, u.email), ('timeZone', d.time_zone, u.time_zone), ('locale', d.locale, u.locale)
      ) AS n (name, new, old) WHERE n.new IS NOT NULL AND n.new IS DISTINCT FROM n.old) AS fields
    FROM told d JOIN users u ON u.id = d.id
  ), changed AS (
    UPDATE users u
    SET display_name = coalesce(d.display_name, u.display_name), avatar_url = coalesce(d.avatar_url, u.avatar_url),
        email = coalesce(d.email, u.email), time_zone = coalesce(d.time_zone, u.time_zone),
        locale = coalesce(d.locale, u.locale), updated_at = now(),
        display_name_at = CASE WHEN n.fields ? 'displayName' THEN v_now ELSE u.display_name_at END,
        avatar_url_at = CASE WHEN n.fields ? 'avatarUrl' THEN v_now ELSE u.avatar_url_at END
    FROM told d JOIN news n ON n.id = d.id
    WHERE u.id = d.id AND n.fields <> '[]'
  ), audited AS (
    INSERT INTO audit_entries (actor_id, action, user_id, details)
    SELECT p_service, CASE WHEN n.id = ANY (v_new) THEN 'user.created' ELSE 'user.changed' END, n.id,
           jsonb_build_object('fields', n.fields)
    FROM news n WHERE n.fields <> '[]' OR n.id = ANY (v_new) ORDER BY n.id
  )
  SELECT array_agg(n.id) INTO v_seen FROM news n WHERE n.fields ?| ARRAY['displayName', 'avatarUrl'];
  RETURN tell_threads_of(v_seen);
END $$;

CREATE OR REPLACE FUNCTION meet_person(p_id text, p_name text, p_picture text, p_issued_at timestamptz DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_user users;
  v_has_name boolean;
  v_has_picture boolean;
BEGIN
  PERFORM ensure_users(ARRAY[p_id]);
  PERFORM 1 FROM users u WHERE u.id = p_id
    AND (is_news(p_name, p_issued_at, u.display_name, u.display_name_at)
      OR is_news(p_picture, p_issued_at, u.avatar_url, u.avatar_url_at));
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  SELECT * INTO v_user FROM users WHERE id = p_id FOR NO KEY UPDATE;
  v_has_name := is_news(p_name, p_issued_at, v_user.display_name, v_user.display_name_at);
  v_has_picture := is_news(p_picture, p_issued_at, v_user.avatar_url, v_user.avatar_url_at);
  IF NOT (v_has_name OR v_has_picture) THEN
    RETURN '{}';
  END IF;
  UPDATE users
  SET display_name = CASE WHEN v_has_name THEN p_name ELSE display_name END,
      display_name_at = CASE WHEN v_has_name THEN p_issued_at ELSE display_name_at END,
      avatar_url = CASE WHEN v_has_picture THEN p_picture ELSE avatar_url END,
      avatar_url_at = CASE WHEN v_has_picture THEN p_issued_at ELSE avatar_url_at END,
      updated_at = now()
  WHERE id = p_id;
  RETURN CASE
    WHEN (v_has_name AND v_user.display_name IS NOT NULL) OR (v_has_picture AND v_user.avatar_url IS NOT NULL)
    THEN tell_threads_of(ARRAY[p_id]) ELSE '{}'
  END;
END $$;
