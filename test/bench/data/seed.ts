import {
  INBOX_MESSAGES,
  INBOX_READ,
  INBOX_UNREAD,
  KINDS,
  PLACES,
  SEND_THREADS,
  type Sizes,
  UNREAD_TAIL,
} from './ids.js';

const KEY = `CREATE FUNCTION pg_temp.bench_key(kind integer, place integer) RETURNS uuid LANGUAGE sql IMMUTABLE
  AS $$ SELECT (lpad(kind::text, 8, '0') || '-0000-4000-8000-' || lpad(to_hex(place), 12, '0'))::uuid $$`;

const id = (kind: keyof typeof KINDS, place: string): string =>
  `pg_temp.bench_key(${KINDS[kind]}, ${place})`;
const person = (place: string): string => id('user', `(${place})`);

/** One list of threads, from which parley's tables and the plain ones are filled alike. */
const shapeOf = ({ page, inbox, background }: Sizes): string => {
  const small = `${INBOX_MESSAGES}, ${INBOX_READ}, ${INBOX_UNREAD}`;
  const long = (size: number): string => `${size}, ${size - UNREAD_TAIL}, ${UNREAD_TAIL / 2}`;
  const inboxOf = (kind: 'inbox' | 'inboxTenfold', owner: number, size: number): string =>
    `SELECT ${id(kind, 'i')}, ${person(String(owner))}, ${person(`${PLACES.inboxGuides} + i`)}, ${small},
       now() - i * interval '7 minutes', '${kind}' FROM generate_series(0, ${size - 1}) AS i`;
  return `
    CREATE TEMP TABLE shape (id uuid, tourist uuid, guide uuid, size integer, read_to integer, unread integer, at timestamptz, trip text);
    INSERT INTO shape
    SELECT ${id('send', 'i')}, ${person('2 * i')}, ${person('2 * i + 1')}, 0, 0, 0, now() - i * interval '1 minute', 'send'
      FROM generate_series(0, ${SEND_THREADS - 1}) AS i
    UNION ALL SELECT ${id('page', '1')}, ${person('0')}, ${person('1')}, ${long(page)}, now() - interval '1 hour', 'page'
    UNION ALL SELECT ${id('page', '10')}, ${person('0')}, ${person('1')}, ${long(10 * page)}, now() - interval '1 hour', 'page10'
    UNION ALL ${inboxOf('inbox', PLACES.inbox.once, inbox)}
    UNION ALL ${inboxOf('inboxTenfold', PLACES.inbox.tenfold, 10 * inbox)}
    UNION ALL SELECT ${id('background', 'i')},
        ${person(`${PLACES.backgroundTourists} + i % ${PLACES.backgroundPeople}`)},
        ${person(`${PLACES.backgroundGuides} + (i * 7) % ${PLACES.backgroundPeople}`)},
        ${small}, now() - i * interval '1 minute', 'background' || i
      FROM generate_series(0, ${background - 1}) AS i;
    UPDATE shape SET at = date_trunc('milliseconds', at);
    -- As they come in: one message of each thread after the other, so that a thread's rows lie apart from each other.
    CREATE TEMP TABLE said AS
    SELECT s.id AS thread, n, CASE WHEN n % 2 = 0 THEN s.tourist ELSE s.guide END AS author,
      'Message ' || n || ' about the walking tour: where do we meet and what should we bring along?' AS body,
      s.at - (s.size - n) * interval '1 minute' AS at, n % 2 = 0 OR n <= s.read_to AS is_read
    FROM shape s, LATERAL generate_series(1, s.size) AS n ORDER BY n, s.id;
    ANALYZE shape, said;`;
};

const PEOPLE = `SELECT ${person('i')} AS id, 'User Number ' || i AS name FROM generate_series(0, ${PLACES.end - 1}) AS i`;

/** What parley's own functions would have written, in bulk: the doctor finds no difference. */
export const parleySeed = (sizes: Sizes): string => `
  ${KEY};
  BEGIN;
  ${shapeOf(sizes)}
  INSERT INTO users (id, display_name) SELECT id::text, name FROM (${PEOPLE}) AS people;
  INSERT INTO inboxes (user_id) SELECT id FROM users;
  INSERT INTO threads (id, trip_id, tourist_id, guide_id, last_sequence, last_message_at, activity_at, created_at, updated_at)
  SELECT id, trip, tourist, guide, size, CASE WHEN size > 0 THEN at END, at, at, at FROM shape;
  INSERT INTO messages (id, thread_id, sequence, author_id, message_type, body, client_message_id, content_digest, sent_at)
  SELECT uuid_v7(at, n), thread, n, author, 'TEXT', body, 'seed-' || thread || n, '\\x00', at FROM said;
  UPDATE threads t SET last_message_id = m.id, last_message_author_id = m.author_id, last_message_type = m.message_type,
    last_message_body = m.body
  FROM messages m WHERE m.thread_id = t.id AND m.sequence = t.last_sequence;
  INSERT INTO participants (thread_id, user_id, role, joined_at, last_read_sequence, last_read_at, last_delivered_sequence,
    unread_count, activity_at)
  SELECT id, tourist, 'TOURIST'::participant_role, at, read_to, CASE WHEN size > 0 THEN at END, size, unread, at FROM shape
  UNION ALL SELECT id, guide, 'GUIDE', at, size, CASE WHEN size > 0 THEN at END, size, 0, at FROM shape;
  INSERT INTO read_receipts (thread_id, user_id, up_to_sequence, read_at)
  SELECT id, tourist, n, at FROM shape, LATERAL generate_series(2, read_to, 2) AS n
  UNION ALL SELECT id, guide, n, at FROM shape, LATERAL generate_series(2, size, 2) AS n;
  UPDATE inboxes i SET unread_message_count = p.messages, unread_thread_count = p.threads
  FROM (SELECT user_id, sum(unread_count) AS messages, count(*) FILTER (WHERE unread_count > 0) AS threads
        FROM participants GROUP BY user_id) AS p
  WHERE p.user_id = i.user_id;
  COMMIT;`;

/** The least that can hold the same: for the limits and the rivals. PostgreSQL has uuidv7() from 18 on. */
export const plainSeed = (sizes: Sizes, newId: string): string => `
  ${KEY};
  BEGIN;
  ${shapeOf(sizes)}
  CREATE TABLE users (id uuid PRIMARY KEY, name text NOT NULL);
  CREATE TABLE threads (
    id uuid PRIMARY KEY DEFAULT ${newId}, trip_id text, tourist_id uuid NOT NULL REFERENCES users (id),
    guide_id uuid NOT NULL REFERENCES users (id), status text NOT NULL DEFAULT 'ACTIVE', last_seq integer NOT NULL DEFAULT 0,
    last_message_at timestamptz(3) NOT NULL DEFAULT now(), tourist_unread integer NOT NULL DEFAULT 0,
    guide_unread integer NOT NULL DEFAULT 0, created_at timestamptz(3) NOT NULL DEFAULT now());
  CREATE INDEX ON threads (tourist_id);
  CREATE INDEX ON threads (guide_id);
  CREATE TABLE messages (
    id uuid PRIMARY KEY DEFAULT ${newId}, thread_id uuid NOT NULL REFERENCES threads (id), seq integer NOT NULL,
    sender_user_id uuid REFERENCES users (id), body text NOT NULL, message_type text NOT NULL DEFAULT 'TEXT',
    sent_at timestamptz(3) NOT NULL DEFAULT now(), read_at timestamptz(3), UNIQUE (thread_id, seq));
  CREATE TABLE notifications (
    id uuid PRIMARY KEY DEFAULT ${newId}, user_id uuid NOT NULL REFERENCES users (id),
    thread_id uuid NOT NULL REFERENCES threads (id), message_id uuid NOT NULL REFERENCES messages (id),
    kind text NOT NULL DEFAULT 'NEW_MESSAGE', created_at timestamptz(3) NOT NULL DEFAULT now(), read_at timestamptz(3));
  CREATE INDEX ON notifications (user_id, created_at);
  INSERT INTO users ${PEOPLE};
  INSERT INTO threads (id, tourist_id, guide_id, last_seq, last_message_at, tourist_unread)
  SELECT id, tourist, guide, size, at, unread FROM shape;
  INSERT INTO messages (thread_id, seq, sender_user_id, body, sent_at, read_at)
  SELECT thread, n, author, body, at, CASE WHEN is_read THEN at END FROM said;
  COMMIT;`;
