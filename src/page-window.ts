/** A page that is asked for: `limit` items after and before these keys, from the end where `backwards`. */
export interface Window<Key> {
  readonly limit: number;
  readonly backwards: boolean;
  readonly after: Key | null;
  readonly before: Key | null;
}
