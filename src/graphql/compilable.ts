import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import { getOperationAST, Kind, OperationTypeNode } from 'graphql';

/** Whether the compiler makes of an operation what graphql-js would do; it does not look at this by itself. */
export function isCompilable(document: DocumentNode, operationName: string | undefined): boolean {
  const operation = getOperationAST(document, operationName);
  return operation != null && !hasSteps(operation) && !namesPrototype(document);
}

/** Of several mutations none may run after one that was refused; the compiler would run them all. */
const hasSteps = ({ operation, selectionSet: { selections } }: OperationDefinitionNode): boolean =>
  operation === OperationTypeNode.MUTATION &&
  (selections.length > 1 || selections[0]?.kind !== Kind.FIELD);

/** As the name of a field it would set the prototype of the answer, and be missing in it. */
const namesPrototype = ({ loc }: DocumentNode): boolean =>
  loc?.source.body.includes('__proto__') === true;
