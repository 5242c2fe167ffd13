// Object.groupBy for VS Code before 1.101, whose Node 20 lacks it; Chevrotain 13 uses it.
if (!("groupBy" in Object))
  Object.defineProperty(Object, "groupBy", {
    value: <T>(items: Iterable<T>, keyOf: (item: T, index: number) => PropertyKey) => {
      const groups: Record<PropertyKey, T[]> = Object.create(null);
      let index = 0;
      for (const item of items) {
        const key = keyOf(item, index++);
        groups[key] ??= [];
        groups[key].push(item);
      }
      return groups;
    },
  });
