-- A delivery that is counted stays as long as the notification that counts it, however old it is by itself: without it nobody
-- could take it out of the count when it is read or deleted, and what is left would be unread for ever.

CREATE OR REPLACE FUNCTION prune_notifications(p_days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_before timestamptz := now() - make_interval(days => p_days);
  v_id uuid := (lpad(to_hex(floor(extract(epoch FROM v_before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
  v_dropped integer := 0;
  v_count integer;
BEGIN
  -- First, for then what they count may go as well.
  DELETE FROM notifications n USING (
    SELECT o.ctid FROM notifications o WHERE o.id < v_id AND o.updated_at < v_before
    ORDER BY o.id LIMIT 5000 FOR UPDATE SKIP LOCKED
  ) AS old WHERE n.ctid = old.ctid;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  v_dropped := v_dropped + v_count;
  DELETE FROM notification_deliveries d USING (
    SELECT o.ctid FROM notification_deliveries o
    WHERE o.message_id < v_id AND o.at < v_before AND o.outcome <> 'WAITING'
      AND NOT (o.is_counted AND EXISTS (SELECT FROM notifications n WHERE n.id = o.notification_id))
    ORDER BY o.message_id LIMIT 5000 FOR UPDATE SKIP LOCKED
  ) AS old WHERE d.ctid = old.ctid;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  v_dropped := v_dropped + v_count;
  DELETE FROM notification_mails m USING (
    SELECT o.ctid FROM notification_mails o
    WHERE o.id < v_id AND o.updated_at < v_before AND o.state NOT IN ('WAITING', 'CLAIMED', 'HANDED_OVER')
    ORDER BY o.id LIMIT 5000 FOR UPDATE SKIP LOCKED
  ) AS old WHERE m.ctid = old.ctid;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_dropped + v_count;
END $$;

-- What was dropped too early cannot come back, so the counts follow; one that stands for nothing any more is gone. Whoever
-- writes notifications holds a row of the first table meanwhile; here all are held.
LOCK TABLE notifier_positions IN EXCLUSIVE MODE;
UPDATE notifications n
SET count = c.counted,
    read_at = CASE WHEN c.counted = 0 THEN coalesce(n.read_at, greatest(current_instant(), n.updated_at)) ELSE n.read_at END
FROM (
  SELECT o.id, count(d.message_id)::integer AS counted FROM notifications o
  LEFT JOIN notification_deliveries d ON d.notification_id = o.id AND d.is_counted
  GROUP BY o.id
) AS c
WHERE n.id = c.id AND n.count <> c.counted;
