import type {
  DocumentNode,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql';
import {
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  OperationTypeNode,
  specifiedRules,
  validate,
} from 'graphql';
import { ErrorCode } from '../errors.js';
import { fragmentsOf } from './fragments.js';

/**
 * What a document must be, whoever asks and by whatever transport: graphql-js's rules and ours. What it says of a document is
 * kept with it.
 */
export class DocumentRules {
  readonly #rules;
  readonly #findings = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  /** @param introspection false: names that were not asked for are not told either, by way of suggestions */
  constructor(private readonly introspection: boolean) {
    this.#rules = introspection
      ? specifiedRules
      : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  }

  /** @returns what is wrong with it, each GRAPHQL_VALIDATION_FAILED */
  findingsIn(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
    let findings = this.#findings.get(document);
    if (findings === undefined) {
      findings = this.#check(schema, document).map(asValidationFailure);
      this.#findings.set(document, findings);
    }
    return findings;
  }

  #check(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
    const conditional = document.definitions
      .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
      .map((operation) => conditionalRootOf(document, operation))
      .filter((selection) => selection !== undefined);
    if (conditional.length > 0) return conditional.map(mustNotDepend);
    return validate(schema, document, this.#rules, { hideSuggestions: !this.introspection });
  }
}

/**
 * The first selection of a subscription's root that `@skip` or `@include` may leave out. The specification forbids it, and
 * graphql-js throws where the one field of a subscription depends on a variable.
 */
function conditionalRootOf(
  document: DocumentNode,
  { operation, selectionSet }: OperationDefinitionNode,
): SelectionNode | undefined {
  const fragments = fragmentsOf(document);
  const seen = new Set<string>();
  const find = ({ selections }: SelectionSetNode): SelectionNode | undefined => {
    for (const selection of selections) {
      if (selection.directives?.some(({ name }) => /^(skip|include)$/.test(name.value)))
        return selection;
      if (selection.kind === Kind.FIELD) continue;
      const found = find(insideOf(selection));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const insideOf = (selection: Exclude<SelectionNode, { kind: Kind.FIELD }>): SelectionSetNode => {
    if (selection.kind === Kind.INLINE_FRAGMENT) return selection.selectionSet;
    const { value: name } = selection.name;
    const fragment = seen.has(name) ? undefined : fragments.get(name);
    seen.add(name);
    return fragment?.selectionSet ?? NOTHING;
  };
  return operation === OperationTypeNode.SUBSCRIPTION ? find(selectionSet) : undefined;
}

const NOTHING: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [] };

const mustNotDepend = (selection: SelectionNode): GraphQLError =>
  new GraphQLError('The one field of a subscription must not depend on @skip or @include.', {
    nodes: [selection],
  });

const asValidationFailure = ({ message, nodes, source, positions }: GraphQLError): GraphQLError =>
  new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    extensions: { code: ErrorCode.GRAPHQL_VALIDATION_FAILED },
  });
