import type pg from 'pg';

/**
 * The rows of a result, which keeps none. V8 has seen that some of pg's result arrays live long, and from then on makes all of
 * them among what is old; there one that nobody needs keeps its rows, and all that hangs on them, from being collected
 * with the young. Of a busy node's time that was a tenth and more (docs/performance.md).
 */
export const takeRows = <Row extends object>({ rows }: pg.QueryResult<Row>): Row[] =>
  rows.splice(0);
