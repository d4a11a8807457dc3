/** Lets something happen right before, or right after, the next call of a method: between two looks at the database. */
export function meanwhile<Name extends string>(
  target: Record<NoInfer<Name>, (...args: never[]) => Promise<unknown>>,
  name: Name,
  when: 'before' | 'after',
  act: () => Promise<unknown>,
): void {
  const method = target[name];
  target[name] = async (...args) => {
    target[name] = method;
    if (when === 'before') await act();
    const result = await method.apply(target, args);
    if (when === 'after') await act();
    return result;
  };
}
