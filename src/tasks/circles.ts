/** From each node, in the order that decides, to the nodes that it depends on. */
export type Graph<Node> = ReadonlyMap<Node, readonly Node[]>;

/**
 * Cuts every circle: of the dependencies within one, only those on a node that comes earlier in the graph's order stay.
 * The circles are returned, each in the graph's order. Linear, and without recursion (Tarjan's strongly connected
 * components, SIAM J. Comput. 1, 1972).
 */
export function cutCircles<Node>(graph: Graph<Node>): {
  readonly graph: Graph<Node>;
  readonly circles: readonly (readonly Node[])[];
} {
  const order = new Map([...graph.keys()].map((node, index) => [node, index]));
  const position = (node: Node): number => order.get(node) ?? -1;
  const components = componentsOf(graph);
  const componentOf = new Map(components.flatMap((component) => component.map((node) => [node, component])));
  const cut = [...graph].map(([node, targets]) => {
    const stays = (target: Node): boolean =>
      componentOf.get(target) !== componentOf.get(node) || position(target) < position(node);
    return [node, targets.filter(stays)] as const;
  });
  const circles = components
    .filter((component) => component.length > 1)
    .map((component) => component.toSorted((a, b) => position(a) - position(b)))
    .toSorted(([a], [b]) => (a === undefined || b === undefined ? 0 : position(a) - position(b)));
  return { graph: new Map(cut), circles };
}

interface Visit<Node> {
  readonly node: Node;
  readonly index: number;
  low: number;
  next: number;
  open: boolean;
}

function componentsOf<Node>(graph: Graph<Node>): readonly (readonly Node[])[] {
  const visits = new Map<Node, Visit<Node>>();
  const components: Node[][] = [];
  const open: Visit<Node>[] = [];
  const path: Visit<Node>[] = [];
  const enter = (node: Node): void => {
    const visit = { node, index: visits.size, low: visits.size, next: 0, open: true };
    visits.set(node, visit);
    open.push(visit);
    path.push(visit);
  };
  for (const root of graph.keys()) {
    if (!visits.has(root)) enter(root);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const target = graph.get(visit.node)?.[visit.next];
      if (target !== undefined) {
        visit.next += 1;
        const seen = visits.get(target);
        if (seen === undefined) enter(target);
        else if (seen.open) visit.low = Math.min(visit.low, seen.index);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) parent.low = Math.min(parent.low, visit.low);
      if (visit.low === visit.index) components.push(closeComponent(open, visit));
    }
  }
  return components;
}

function closeComponent<Node>(open: Visit<Node>[], root: Visit<Node>): Node[] {
  const members = open.splice(open.lastIndexOf(root));
  for (const member of members) member.open = false;
  return members.map(({ node }) => node);
}
