import type { DocumentNode, OperationDefinitionNode, SelectionSetNode } from 'graphql';
import { Kind, OperationTypeNode } from 'graphql';
import { fragmentsOf } from './fragments.js';

/** Whether `cursor` is selected on a field of type Viewer by a query or a mutation. Each fragment is looked at once. */
export function asksForCursor(document: DocumentNode, operation: OperationDefinitionNode): boolean {
  const fragments = fragmentsOf(document);
  // By type condition a fragment is of Viewer wherever it is spread, or nowhere.
  const seen = new Set<string>();
  const inside = (set: SelectionSetNode | undefined, ofViewer: boolean): boolean =>
    set?.selections.some((selection) => {
      if (selection.kind === Kind.INLINE_FRAGMENT) return inside(selection.selectionSet, ofViewer);
      if (selection.kind === Kind.FIELD)
        return ofViewer && selection.name.value === 'cursor'
          ? true
          : inside(selection.selectionSet, selection.name.value === 'viewer');
      const { value: name } = selection.name;
      if (seen.has(name)) return false;
      seen.add(name);
      return inside(fragments.get(name)?.selectionSet, ofViewer);
    }) ?? false;
  return (
    operation.operation !== OperationTypeNode.SUBSCRIPTION && inside(operation.selectionSet, false)
  );
}
