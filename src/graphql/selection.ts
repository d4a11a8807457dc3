import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import { Kind } from 'graphql';

/**
 * Whether the operation asks for a field below the one that is being resolved, by names from there on. It may say yes where
 * `@skip` or `@include` decide otherwise, so it is for reading ahead and for nothing else.
 */
export const asksFor = (info: GraphQLResolveInfo, path: readonly string[]): boolean =>
  info.fieldNodes.some(({ selectionSet }) => contains(info, selectionSet, path));

function contains(
  info: GraphQLResolveInfo,
  set: SelectionSetNode | undefined,
  [name, ...rest]: readonly string[],
): boolean {
  if (name === undefined) return true;
  return (
    set?.selections.some((selection) => {
      if (selection.kind === Kind.FIELD)
        return selection.name.value === name && contains(info, selection.selectionSet, rest);
      const fragment =
        selection.kind === Kind.FRAGMENT_SPREAD ? info.fragments[selection.name.value] : selection;
      return contains(info, fragment?.selectionSet, [name, ...rest]);
    }) ?? false
  );
}
