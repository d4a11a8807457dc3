-- What a person says of the delay and of quiet hours moves the mails that wait for them.

-- Mails are due by the clock of the nodes, so when one began to wait has to be known by the same clock.
ALTER TABLE notification_mails ADD COLUMN waits_since timestamptz(3) NOT NULL DEFAULT now();
UPDATE notification_mails SET waits_since = created_at WHERE state = 'WAITING';
ALTER TABLE notification_mails ALTER COLUMN waits_since DROP DEFAULT;

-- Notes what is to be told by mail when it is still unread after the delay: one waiting mail per person and thread takes it
-- all in.
CREATE OR REPLACE FUNCTION notify_by_mail(p_candidates notification_candidate[], p_delay_minutes integer, p_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_judged notification_candidate[];
  v_mail notification_mails;
BEGIN
  SELECT array_agg(ROW(
      c.user_id, c.position, c.message_id, c.thread_id, c.sequence, c.type, c.actor_id,
      coalesce(c.objection, CASE
        WHEN c.type <> ALL (channel_notification_types('MAIL', w)) THEN 'PREFERENCE'::notification_reason
        WHEN u.email IS NULL THEN 'NO_ADDRESS' END),
      c.is_wanted, c.now)::notification_candidate)
  INTO v_judged
  FROM unnest(p_candidates) AS c
  LEFT JOIN notification_channel_preferences w ON w.user_id = c.user_id AND w.channel = 'MAIL'
  LEFT JOIN users u ON u.id = c.user_id
  WHERE c.type <> 'MESSAGE_READ';
  FOR v_mail IN
    INSERT INTO notification_mails (id, user_id, thread_id, state, waits_since, due_at, created_at, updated_at)
    SELECT uuid_v7(c.now), c.user_id, c.thread_id, 'WAITING', p_at,
           p_at + make_interval(mins => coalesce(q.mail_delay_minutes, p_delay_minutes)), c.now, c.now
    FROM (SELECT user_id, thread_id, max(now) AS now FROM unnest(v_judged) WHERE objection IS NULL
          GROUP BY user_id, thread_id) AS c
    LEFT JOIN notification_preferences q ON q.user_id = c.user_id
    ON CONFLICT (user_id, thread_id) WHERE state = 'WAITING' DO NOTHING
    RETURNING *
  LOOP
    PERFORM schedule_mail(v_mail.id, v_mail.due_at);
  END LOOP;
  INSERT INTO notification_deliveries
    (message_id, user_id, channel, type, thread_id, sequence, outcome, reason, at, mail_id)
  SELECT c.message_id, c.user_id, 'MAIL', c.type, c.thread_id, c.sequence,
         (CASE WHEN c.objection IS NULL THEN 'WAITING' ELSE 'SUPPRESSED' END)::notification_outcome, c.objection, c.now, m.id
  FROM unnest(v_judged) AS c
  LEFT JOIN notification_mails m
    ON m.user_id = c.user_id AND m.thread_id = c.thread_id AND m.state = 'WAITING' AND c.objection IS NULL;
END $$;

-- Saves what a person says of how to be told, as save_notification_preferences does, and has their waiting mails be due by
-- it: those that were not tried yet, for the others wait for the mail server. What is due in quiet hours is put off then.
-- p_delay_minutes: of whoever has not said otherwise.
CREATE FUNCTION update_notification_preferences(
  p_user text, p_channels jsonb, p_sets_quiet boolean, p_from time, p_until time, p_sets_delay boolean, p_delay integer,
  p_delay_minutes integer
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_delay interval;
  v_mail notification_mails;
BEGIN
  -- The notifier reads what they have said under the lock of their row, which is there for everybody from the first news on.
  INSERT INTO notifier_positions (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM notifier_positions WHERE user_id = p_user FOR UPDATE;
  PERFORM save_notification_preferences(p_user, p_channels, p_sets_quiet, p_from, p_until, p_sets_delay, p_delay);
  IF NOT (p_sets_quiet OR p_sets_delay) THEN
    RETURN;
  END IF;
  SELECT make_interval(mins => coalesce(q.mail_delay_minutes, p_delay_minutes)) INTO v_delay
  FROM notification_preferences q WHERE q.user_id = p_user;
  FOR v_mail IN
    UPDATE notification_mails SET due_at = waits_since + v_delay, updated_at = current_instant()
    WHERE user_id = p_user AND state = 'WAITING' AND attempts = 0
    RETURNING *
  LOOP
    PERFORM schedule_mail(v_mail.id, v_mail.due_at);
  END LOOP;
END $$;
