import type { DocumentNode, FieldNode, OperationDefinitionNode, SelectionSetNode } from 'graphql';
import { Kind, visit } from 'graphql';
import { fragmentsOf } from './fragments.js';
import type { PreparedOperation } from './operation-rules.js';

/** What subscriptions of the same text share, however many clients ask it. */
export interface LivePlan {
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly root: FieldNode;
  /** Stands for the text and the name. */
  readonly number: number;
  /** The declared variables, without the one that is used as `after` and nowhere else. */
  readonly variables: readonly string[];
}

/** Documents are remembered by their text, so their operations know their plans. */
const plans = new WeakMap<OperationDefinitionNode, LivePlan>();
let count = 0;

export function planOf({ document, operation }: PreparedOperation): LivePlan {
  let plan = plans.get(operation);
  if (plan === undefined) {
    const root = rootFieldOf(document, operation);
    const after = afterOf(document, root);
    plan = {
      document,
      operationName: operation.name?.value ?? null,
      root,
      number: count++,
      variables: (operation.variableDefinitions ?? [])
        .map(({ variable }) => variable.name.value)
        .filter((name) => name !== after),
    };
    plans.set(operation, plan);
  }
  return plan;
}

/**
 * Equal for operations that give the same answer to the same event. `after` decides where a stream starts, not what its
 * events look like, so a variable that is used there and nowhere else does not count; nor does what the operation does not
 * declare, which may be anything.
 */
export const groupOf = (
  { number, variables: names }: LivePlan,
  variables: Readonly<Record<string, unknown>>,
): string =>
  JSON.stringify([
    number,
    names.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]),
  ]);

function afterOf(document: DocumentNode, root: FieldNode): string | undefined {
  const uses = new Map<string, number>();
  visit(document, {
    Variable(node, _key, parent) {
      const isDefinition =
        parent !== undefined && 'kind' in parent && parent.kind === Kind.VARIABLE_DEFINITION;
      if (!isDefinition) uses.set(node.name.value, (uses.get(node.name.value) ?? 0) + 1);
    },
  });
  const after = root.arguments?.find(({ name }) => name.value === 'after')?.value;
  return after?.kind === Kind.VARIABLE && uses.get(after.name.value) === 1
    ? after.name.value
    : undefined;
}

/** Validation has seen to it that a subscription has exactly one field; fragments around it are looked through. */
function rootFieldOf(document: DocumentNode, operation: OperationDefinitionNode): FieldNode {
  const fragments = fragmentsOf(document);
  const find = ({ selections }: SelectionSetNode): FieldNode | undefined => {
    const [selection] = selections;
    if (selection === undefined || selection.kind === Kind.FIELD) return selection;
    if (selection.kind === Kind.INLINE_FRAGMENT) return find(selection.selectionSet);
    const fragment = fragments.get(selection.name.value);
    return fragment && find(fragment.selectionSet);
  };
  const field = find(operation.selectionSet);
  if (field === undefined) throw new Error('BUG: a subscription without a field passed validation');
  return field;
}
