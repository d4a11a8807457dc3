import type { DocumentNode, FragmentDefinitionNode } from 'graphql';
import { Kind } from 'graphql';

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** Documents are remembered by their text, and their fragments with them. */
const known = new WeakMap<DocumentNode, Fragments>();

/** The fragments of a document by their names. */
export function fragmentsOf(document: DocumentNode): Fragments {
  let fragments = known.get(document);
  if (fragments === undefined) {
    fragments = new Map(
      document.definitions
        .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
        .map((fragment) => [fragment.name.value, fragment]),
    );
    known.set(document, fragments);
  }
  return fragments;
}
