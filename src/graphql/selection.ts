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
  const visit = (set: SelectionSetNode, [next, ...rest]: readonly string[]): boolean => {
    let isAsked = next === undefined;
    for (const selection of set.selections) {
      if (selection.kind !== Kind.FIELD) {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection
            : info.fragments[selection.name.value];
        if (fragment && visit(fragment.selectionSet, next === undefined ? [] : [next, ...rest]))
          isAsked = true;
      } else if (next === undefined) names.add(selection.name.value);
      else if (selection.name.value === next && selection.selectionSet)
        isAsked = visit(selection.selectionSet, rest) || isAsked;
    }
    return isAsked;
  };
  let isAsked = false;
  for (const { selectionSet } of info.fieldNodes)
    if (selectionSet && visit(selectionSet, path)) isAsked = true;
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
