/** A person as others see them. */
export interface UserRow {
  readonly id: string;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
}
