import { useEffect, useRef, useState } from "preact/hooks";

/** Pixels; `base.css` says so too. */
export const rowHeight = 22;

/** Which of many rows are in sight; with `live` the newest stays there. */
export function useRowsInSight<E extends HTMLElement = HTMLDivElement>(count: number, live: boolean) {
  const scroller = useRef<E>(null);
  const [top, setTop] = useState(0);
  /** How many rows there were when `top` was learned: with more, who follows the newest is elsewhere by the time they are drawn. */
  const known = useRef(0);
  const [height, setHeight] = useState(200);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const resized = new ResizeObserver(() => setHeight(element.clientHeight));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  useEffect(() => {
    const element = scroller.current;
    if (element && live) element.scrollTop = element.scrollHeight;
  }, [count, live]);
  const inSight = Math.ceil(height / rowHeight);
  const follows = live && known.current !== count;
  const first = Math.max(0, (follows ? count - inSight : Math.floor(top / rowHeight)) - 5);
  return {
    scroller,
    first,
    end: first + inSight + 12,
    onScroll: (element: E) => {
      known.current = count;
      setTop(element.scrollTop);
    },
    show: (index: number) => scroller.current?.scrollTo({ top: Math.max(0, index * rowHeight - height / 2) }),
  };
}
