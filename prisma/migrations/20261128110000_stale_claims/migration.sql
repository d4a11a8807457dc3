-- Puts right what nodes have left. A claimed mail waits again where its node is dead, for nothing of it has been accepted
-- anywhere; and where the claim is older than any conversation up to the handing over may take (SMTP_TIMEOUT_SECONDS is
-- at most ten minutes), for then nobody knows of it: its answer was lost, and the queue had another node try again. Should
-- somebody be sending it all the same, hand_over_mail tells them that it is no longer theirs. One that was handed over stays
-- so, for it may have been accepted. A waiting mail whose job has not come p_patience after it was due gets another job.
-- Returns how many mails it touched.
CREATE OR REPLACE FUNCTION rescue_mails(p_at timestamptz, p_patience interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_mail notification_mails;
  v_touched integer := 0;
BEGIN
  FOR v_mail IN
    SELECT m.* FROM notification_mails m JOIN notifier_positions n ON n.user_id = m.user_id
    WHERE m.state IN ('CLAIMED', 'HANDED_OVER') AND NOT notifier_node_lives(m.claimed_by)
      OR m.state = 'CLAIMED' AND m.claimed_at < current_instant() - interval '15 minutes'
    ORDER BY m.user_id LIMIT 100 FOR UPDATE SKIP LOCKED
  LOOP
    IF v_mail.state = 'CLAIMED' THEN
      PERFORM put_mail_back(v_mail, p_at, v_mail.attempts, 'The node that had claimed it did not come to send it.');
    ELSE
      PERFORM end_mail(v_mail, 'UNCONFIRMED', 'SENT', 'UNCONFIRMED', 'The node died before it had heard the answer.');
    END IF;
    v_touched := v_touched + 1;
  END LOOP;
  FOR v_mail IN
    SELECT m.* FROM notification_mails m WHERE m.state = 'WAITING' AND m.due_at < p_at - p_patience
    ORDER BY m.due_at LIMIT 100 FOR UPDATE SKIP LOCKED
  LOOP
    PERFORM schedule_mail(v_mail.id, v_mail.due_at);
    v_touched := v_touched + 1;
  END LOOP;
  RETURN v_touched;
END $$;
