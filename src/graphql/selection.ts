import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import { Kind } from 'graphql';
import type { Detail } from '../database/columns.js';

/**
 * The names of the fields that the operation asks for below the one that is being resolved, by names from there on; null
 * where it does not ask for that at all. It may name what `@skip` or `@include` leave out, so it is for reading ahead and
 * for nothing else.
 */
export function fieldsAt(
  info: GraphQLResolveInfo,
  path: readonly string[],
): ReadonlySet<string> | null {
  const names = new Set<string>();
  // What a fragment asks for at a depth has been heard when it is met again.
  const heard = new Set<string>();
  const visitFragment = (name: string, depth: number): boolean => {
    const fragment = info.fragments[name];
    const isNews = heard.size < heard.add(`${depth} ${name}`).size;
    return isNews && fragment !== undefined && visit(fragment.selectionSet, depth);
  };
  const visit = (set: SelectionSetNode, depth: number): boolean => {
    const next = path[depth];
    let isAsked = next === undefined;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD)
        isAsked = visitFragment(selection.name.value, depth) || isAsked;
      else if (selection.kind === Kind.INLINE_FRAGMENT)
        isAsked = visit(selection.selectionSet, depth) || isAsked;
      else if (next === undefined) names.add(selection.name.value);
      else if (selection.name.value === next && selection.selectionSet)
        isAsked = visit(selection.selectionSet, depth + 1) || isAsked;
    }
    return isAsked;
  };
  let isAsked = false;
  for (const { selectionSet } of info.fieldNodes)
    if (selectionSet && visit(selectionSet, 0)) isAsked = true;
  return isAsked ? names : null;
}

/** The same for the items of a connection, by its nodes and by its edges. */
export function fieldsOfNodes(
  info: GraphQLResolveInfo,
  path: readonly string[] = [],
): ReadonlySet<string> | null {
  const [nodes, edges] = [
    fieldsAt(info, ['nodes', ...path]),
    fieldsAt(info, ['edges', 'node', ...path]),
  ];
  return nodes === null ? edges : new Set([...nodes, ...(edges ?? [])]);
}

/** How much of a row has to be read for these fields. */
export const detailFor = (
  fields: ReadonlySet<string> | null,
  plain: ReadonlySet<string>,
): Detail =>
  [...(fields ?? [])].every((name) => plain.has(name) || name === '__typename') ? 'plain' : 'whole';
