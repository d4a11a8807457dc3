import type { Type } from '@nestjs/common';
import { ArgsType, Field, Int, ObjectType } from '@nestjs/graphql';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { badInput } from '../errors.js';
import type { Window } from '../page-window.js';
import { MAX_PAGE } from '../page-window.js';
import type { ListCursors } from './list-cursors.js';

const DEFAULT_PAGE = 50;

@ObjectType({
  description: 'Where a page lies in its list, in the terms of the Relay connection specification.',
})
export class PageInfo {
  @Field({
    description:
      'Whether more follows behind endCursor; paging forwards with before as well, up to that. Paging backwards: whether before was given.',
  })
  hasNextPage: boolean;

  @Field({
    description:
      'Whether there is more before startCursor; paging backwards with after as well, down to that. Paging forwards: whether after was given.',
  })
  hasPreviousPage: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the first edge; null for an empty page.',
  })
  startCursor: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the last edge; null for an empty page.',
  })
  endCursor: string | null;
}

@ArgsType()
export class ForwardPageArgs {
  @Field(() => Int, { nullable: true, description: 'At most so many, 0 to 100; 50 unless told.' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_PAGE)
  first?: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Only what follows this cursor of an edge of the same list; another cursor is BAD_USER_INPUT.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  after?: string | null;
}

@ArgsType()
export class PageArgs extends ForwardPageArgs {
  @Field(() => Int, {
    nullable: true,
    description: 'The newest so many instead, 0 to 100; not together with first.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_PAGE)
  last?: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Only what precedes this cursor of an edge of the same list; alone it pages backwards.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  before?: string | null;
}

export interface Edge<Node> {
  cursor: string;
  node: Node;
}

export interface Connection<Node> {
  edges: Edge<Node>[];
  nodes: Node[];
  pageInfo: PageInfo;
}

/** Makes the Relay connection type of a node type, with its edge type. */
export function paginated<Node extends object>(
  node: Type<Node>,
  name: string,
): Type<Connection<Node>> {
  @ObjectType(`${name}Edge`, { description: `A ${name} and its place in the list.` })
  class NodeEdge {
    @Field({ description: 'Opaque: give it as after or before.' })
    cursor: string;

    @Field(() => node, { description: 'The item itself.' })
    node: Node;
  }

  @ObjectType(`${name}Connection`, { description: `A page of ${name} items.` })
  class NodeConnection {
    @Field(() => [NodeEdge], {
      description: 'The items of the page with their cursors, in the order of the list.',
    })
    edges: NodeEdge[];

    @Field(() => [node], { description: 'The items alone, in the same order.' })
    nodes: Node[];

    @Field(() => PageInfo, { description: 'Whether there is more, and where.' })
    pageInfo: PageInfo;
  }
  return NodeConnection;
}

/** @throws AppError BAD_USER_INPUT for first with last, and for a cursor of another list */
export function windowOf<Key>(
  args: PageArgs,
  cursors: Pick<ListCursors<never, Key>, 'parse'>,
): Window<Key> {
  const { first = null, after = null, last = null, before = null } = args;
  if (first !== null && last !== null) throw badInput('first and last exclude each other.');
  return {
    limit: first ?? last ?? DEFAULT_PAGE,
    backwards: last !== null || (first === null && before !== null && after === null),
    after: after === null ? null : cursors.parse(after),
    before: before === null ? null : cursors.parse(before),
  };
}

/**
 * @param rows up to limit + 1 rows, read in the window's direction: the extra one only tells that there is more
 */
export function connectionOf<Key, Node>(
  window: Window<Key>,
  rows: readonly Node[],
  cursors: ListCursors<Node, Key>,
): Connection<Node> {
  const nodes = rows.slice(0, window.limit);
  if (window.backwards) nodes.reverse();
  return new PageConnection(window, nodes, rows.length > window.limit, cursors);
}

/**
 * Makes what else there is to a page when it is asked for: most clients take the nodes alone. A class, because V8 gives an
 * object literal with getters a shape of its own each time, which keeps the rows from the young generation's collector.
 */
class PageConnection<Key, Node> implements Connection<Node> {
  constructor(
    private readonly window: Window<Key>,
    readonly nodes: Node[],
    private readonly more: boolean,
    private readonly cursors: ListCursors<Node, Key>,
  ) {}

  get edges(): Edge<Node>[] {
    return this.nodes.map((node) => ({ cursor: this.cursors.of(node), node }));
  }

  get pageInfo(): PageInfo {
    const { window, more, nodes } = this;
    const [first, last] = [nodes[0], nodes.at(-1)];
    return {
      hasNextPage: window.backwards ? window.before !== null : more,
      hasPreviousPage: window.backwards ? more : window.after !== null,
      startCursor: first === undefined ? null : this.cursors.of(first),
      endCursor: last === undefined ? null : this.cursors.of(last),
    };
  }
}
