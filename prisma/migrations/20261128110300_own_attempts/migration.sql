-- A message that joins a mail between two attempts has attempts of its own: when the mail is given up, only what was in it from
-- its first attempt on fails with it, and what has come since goes on in a fresh mail.
--
-- through_sequence is the last message of the first attempt from now on; of mails that are under way it is that of the last one,
-- which takes more of them along than it should, once.

-- Lets a mail wait (again) until p_due. Where a younger one waits for the same thread by now, its messages join that, which goes
-- on counting the attempts of the elder.
CREATE OR REPLACE FUNCTION put_mail_back(
  p_mail notification_mails, p_due timestamptz, p_attempts integer, p_error text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := current_instant();
  v_other uuid;
BEGIN
  SELECT m.id INTO v_other FROM notification_mails m
  WHERE m.user_id = p_mail.user_id AND m.thread_id = p_mail.thread_id AND m.state = 'WAITING' AND m.id <> p_mail.id;
  UPDATE notification_deliveries d
  SET outcome = 'WAITING', reason = NULL, at = v_now, mail_id = coalesce(v_other, p_mail.id)
  WHERE d.mail_id = p_mail.id AND (d.outcome = 'WAITING' OR d.reason = 'UNCONFIRMED');
  UPDATE notification_mails m
  SET state = CASE WHEN v_other IS NULL THEN 'WAITING' ELSE 'MERGED' END::notification_mail_state, claim = NULL,
      claimed_by = NULL, claimed_at = NULL, due_at = p_due, attempts = p_attempts, last_error = p_error, updated_at = v_now
  WHERE m.id = p_mail.id;
  UPDATE notification_mails m
  SET due_at = p_due, attempts = greatest(m.attempts, p_attempts),
      through_sequence = CASE WHEN p_attempts > m.attempts THEN p_mail.through_sequence ELSE m.through_sequence END,
      updated_at = v_now
  WHERE m.id = v_other;
  PERFORM schedule_mail(coalesce(v_other, p_mail.id), p_due);
END $$;

-- Decides, when a mail is due, whether and what it says, and claims it. outcome: SEND; LATER (not due, or quiet hours: it
-- comes again by itself); SUPPRESSED (nothing left to tell); GONE (another has it, or it is done). The same claim again is
-- the same answer.
CREATE OR REPLACE FUNCTION claim_mail(p_mail uuid, p_claim uuid, p_node integer, p_at timestamptz)
RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_mail notification_mails := lock_mail(p_mail);
  v_quiet timestamptz;
  v_through integer;
BEGIN
  IF v_mail.id IS NULL OR v_mail.state <> 'WAITING' THEN
    RETURN QUERY SELECT CASE WHEN v_mail.state = 'CLAIMED' AND v_mail.claim = p_claim THEN 'SEND' ELSE 'GONE' END;
    RETURN;
  END IF;
  v_quiet := quiet_until(v_mail.user_id, p_at);
  IF v_mail.due_at > p_at OR v_quiet IS NOT NULL THEN
    PERFORM put_mail_back(v_mail, greatest(v_mail.due_at, v_quiet), v_mail.attempts, v_mail.last_error);
    RETURN QUERY SELECT 'LATER';
    RETURN;
  END IF;
  UPDATE notification_deliveries d SET outcome = 'SUPPRESSED', reason = o.objection, at = current_instant()
  FROM mail_messages(v_mail, p_at) AS o
  WHERE o.objection IS NOT NULL AND d.message_id = o.message_id AND d.user_id = v_mail.user_id AND d.channel = 'MAIL';
  SELECT max(d.sequence) INTO v_through FROM notification_deliveries d WHERE d.mail_id = p_mail AND d.outcome = 'WAITING';
  IF v_through IS NULL THEN
    PERFORM end_mail(v_mail, 'SUPPRESSED', 'SUPPRESSED', NULL, NULL);
    RETURN QUERY SELECT 'SUPPRESSED';
    RETURN;
  END IF;
  UPDATE notification_mails m
  SET state = 'CLAIMED', claim = p_claim, claimed_by = p_node, claimed_at = current_instant(), attempts = m.attempts + 1,
      through_sequence = CASE WHEN m.attempts = 0 THEN v_through ELSE m.through_sequence END, updated_at = current_instant()
  WHERE m.id = p_mail;
  RETURN QUERY SELECT 'SEND';
END $$;

-- Takes what has joined a mail since its first attempt out of it, into one that waits: at first for the shortest pause between
-- two attempts.
CREATE FUNCTION part_mail(p_mail notification_mails) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := current_instant();
  v_fresh notification_mails;
BEGIN
  IF NOT EXISTS (SELECT FROM notification_deliveries d
                 WHERE d.mail_id = p_mail.id AND d.outcome = 'WAITING' AND d.sequence > p_mail.through_sequence) THEN
    RETURN;
  END IF;
  INSERT INTO notification_mails AS m (id, user_id, thread_id, state, waits_since, due_at, created_at, updated_at)
  VALUES (uuid_v7(v_now), p_mail.user_id, p_mail.thread_id, 'WAITING', p_mail.due_at, p_mail.due_at + interval '1 minute',
          v_now, v_now)
  ON CONFLICT (user_id, thread_id) WHERE state = 'WAITING' DO UPDATE SET updated_at = v_now
  RETURNING m.* INTO v_fresh;
  UPDATE notification_deliveries d SET mail_id = v_fresh.id
  WHERE d.mail_id = p_mail.id AND d.outcome = 'WAITING' AND d.sequence > p_mail.through_sequence;
  PERFORM schedule_mail(v_fresh.id, v_fresh.due_at);
END $$;

-- What became of a claimed mail. p_state: SENT; UNCONFIRMED (handed over, and no answer came); FAILED with a reason, of which
-- GAVE_UP holds only for what has had all the attempts; WAITING with p_due for another try. Of a mail that is no longer this
-- claim's nothing is written.
CREATE OR REPLACE FUNCTION conclude_mail(
  p_mail uuid, p_claim uuid, p_state notification_mail_state, p_reason notification_reason, p_error text, p_due timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_mail notification_mails := lock_mail(p_mail);
BEGIN
  IF v_mail.claim IS DISTINCT FROM p_claim OR v_mail.state NOT IN ('CLAIMED', 'HANDED_OVER', 'UNCONFIRMED') THEN
    RETURN;
  END IF;
  IF p_reason = 'GAVE_UP' THEN
    PERFORM part_mail(v_mail);
  END IF;
  CASE p_state
    WHEN 'WAITING' THEN PERFORM put_mail_back(v_mail, p_due, v_mail.attempts, p_error);
    WHEN 'FAILED' THEN PERFORM end_mail(v_mail, 'FAILED', 'FAILED', p_reason, p_error);
    WHEN 'SENT' THEN PERFORM end_mail(v_mail, 'SENT', 'SENT', NULL, NULL);
    WHEN 'UNCONFIRMED' THEN PERFORM end_mail(v_mail, 'UNCONFIRMED', 'SENT', 'UNCONFIRMED', p_error);
  END CASE;
END $$;
