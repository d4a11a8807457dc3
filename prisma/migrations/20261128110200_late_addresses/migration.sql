-- Notes what is to be told by mail when it is still unread after the delay: one waiting mail per person and thread takes it
-- all in. Whether an address is known is asked when the mail is due (mail_messages), for a service may open a thread before it
-- tells of its people. That somebody wants no such mail is decided at once: else each of their threads would cost a mail and
-- a job for nothing.
CREATE OR REPLACE FUNCTION notify_by_mail(p_candidates notification_candidate[], p_delay_minutes integer, p_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_judged notification_candidate[];
  v_mail notification_mails;
BEGIN
  SELECT array_agg(ROW(
      c.user_id, c.position, c.message_id, c.thread_id, c.sequence, c.type, c.actor_id,
      coalesce(c.objection, CASE
        WHEN c.type <> ALL (channel_notification_types('MAIL', w)) THEN 'PREFERENCE'::notification_reason END),
      c.is_wanted, c.now)::notification_candidate)
  INTO v_judged
  FROM unnest(p_candidates) AS c
  LEFT JOIN notification_channel_preferences w ON w.user_id = c.user_id AND w.channel = 'MAIL'
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
