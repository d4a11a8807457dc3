import type { DocumentNode, OperationDefinitionNode, SelectionSetNode } from 'graphql';
import { getOperationAST, Kind, OperationTypeNode, visit } from 'graphql';
import { fragmentsOf } from './fragments.js';

/** Whether the compiler makes of an operation what graphql-js would do; it does not look at this by itself. */
export function isCompilable(document: DocumentNode, operationName: string | undefined): boolean {
  const operation = getOperationAST(document, operationName);
  return (
    operation != null &&
    !hasSteps(operation) &&
    !namesPrototype(document) &&
    !(isConditional(document) && merges(document, operation))
  );
}

/** Of several mutations none may run after one that was refused; the compiler would run them all. */
const hasSteps = ({ operation, selectionSet: { selections } }: OperationDefinitionNode): boolean =>
  operation === OperationTypeNode.MUTATION &&
  (selections.length > 1 || selections[0]?.kind !== Kind.FIELD);

/** As the name of a field it would set the prototype of the answer, and be missing in it. */
const namesPrototype = ({ loc }: DocumentNode): boolean =>
  loc?.source.body.includes('__proto__') === true;

function isConditional(document: DocumentNode): boolean {
  let isFound = false;
  visit(document, {
    Directive() {
      isFound = true;
    },
  });
  return isFound;
}

/**
 * Whether a fragment, or an object under one name, is asked for more than once. Of several times some may be left out by `@skip`
 * or `@include`; the compiler would leave out what the others ask for, or tell what was left out.
 */
function merges(document: DocumentNode, operation: OperationDefinitionNode): boolean {
  const fragments = fragmentsOf(document);
  const spread = new Set<string>();
  const isMet = (names: Set<string>, name: string): boolean => names.size === names.add(name).size;
  const mergesIn = (set: SelectionSetNode | undefined, names = new Set<string>()): boolean =>
    set?.selections.some((selection) => {
      if (selection.kind === Kind.INLINE_FRAGMENT) return mergesIn(selection.selectionSet, names);
      const { value: name } = selection.name;
      if (selection.kind === Kind.FRAGMENT_SPREAD)
        return isMet(spread, name) || mergesIn(fragments.get(name)?.selectionSet, names);
      return (
        selection.selectionSet !== undefined &&
        (isMet(names, selection.alias?.value ?? name) || mergesIn(selection.selectionSet))
      );
    }) ?? false;
  return mergesIn(operation.selectionSet);
}
