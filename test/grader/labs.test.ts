import { describe, expect, test } from "vitest";
import { utf8Text } from "../../emulator/utf8.ts";
import { studentBundle } from "../../grader/bundle.ts";
import { readAssignment } from "../../grader/read-assignment.ts";
import type { Files } from "../../grader/submission.ts";
import { bytes } from "./grading.ts";
import { gradeLab, labNames, readLab } from "./lab-files.ts";

/** What students get wrong: a change of the solution, and the points that each check then loses. */
interface Wrong {
  readonly lab: string;
  readonly what: string;
  readonly file: string;
  /** Text of the solution, and what stands in its place. */
  readonly changes: readonly (readonly [string, string])[];
  readonly lost: Readonly<Record<string, number>>;
}

const wrong: readonly Wrong[] = [
  {
    lab: "01-popek-goldberg",
    what: "the critical section still restores the flags by POPFD",
    file: "kernel.asm",
    changes: [
      [
        "        int STATE\n        cli\n        mov eax, [ticks]",
        "        pushfd\n        cli\n        mov eax, [ticks]",
      ],
      ["        test edx, INTERRUPT_FLAG\n        jz .off\n        sti\n.off:   ret", "        popfd\n        ret"],
    ],
    lost: { lines: 1, same: 2, "no-holes": 4, "found-out": 4 },
  },
  {
    lab: "01-popek-goldberg",
    what: "the critical section always ends with STI",
    file: "kernel.asm",
    changes: [
      ["        test edx, INTERRUPT_FLAG\n        jz .off\n        sti\n.off:   ret", "        sti\n        ret"],
    ],
    lost: { lines: 1, same: 2, "found-out": 4 },
  },
  {
    lab: "01-popek-goldberg",
    what: "the task's selector is printed as it was in the text",
    file: "kernel.asm",
    changes: [["        mov ax, [task]", "        mov ax, 28h"]],
    lost: { "found-out": 4 },
  },
  {
    lab: "02-trap-and-emulate",
    what: "the GDT stays beside the kernel's variables",
    file: "kernel.asm",
    changes: [["        align 4096                      ; every write to this page traps\n", ""]],
    lost: { "exits-80": 4, "no-traces": 2, "more-work": 2 },
  },
  {
    lab: "03-paravirtualize",
    what: "CR2 is read by the instruction, which Xen carries out",
    file: "kernel.asm",
    changes: [["        mov ebx, [shared + FAULT_ADDRESS]", "        mov ebx, cr2"]],
    lost: { "nothing-privileged": 3 },
  },
  {
    lab: "04-translation-cache",
    what: "no number below 3",
    file: "cache.asm",
    changes: [["inputs: dd 49, 3, 2, 0 ", "inputs: dd 49, 3, 7, 0 "]],
    lost: { chained: 4 },
  },
  {
    lab: "04-translation-cache",
    what: "the counter stays in a page with code",
    file: "cache.asm",
    changes: [["        align 4096                      ; a page without code\n", ""]],
    lost: { "callouts-40": 3, "more-rounds": 3 },
  },
  {
    lab: "05-shadow-paging",
    what: "the kernel goes back to its own address space after each turn",
    file: "memory.asm",
    changes: [["; the kernel is in every address space\n", "\n        mov eax, DIRECTORY\n        mov cr3, eax\n"]],
    lost: { "exits-100": 4 },
  },
  {
    lab: "06-ept",
    what: "only the first word of the page is copied",
    file: "ept.asm",
    changes: [["        mov ecx, 512\n", "        mov ecx, 1\n"]],
    lost: { "other-guest": 4 },
  },
  {
    lab: "06-ept",
    what: "what is nobody's is mapped",
    file: "ept.asm",
    changes: [["        jae refuse\n", ""]],
    lost: { "other-guest": 1 },
  },
  {
    lab: "07-hypercalls",
    what: "a string's address is translated once",
    file: "hypercalls.asm",
    changes: [
      [
        ".next:  mov eax, r12d\n        call translate\n        cmp eax, -1\n        je .end\n        mov al, [rax]",
        "        call translate\n        cmp eax, -1\n        je .end\n        mov r12d, eax\n.next:  mov al, [r12]",
      ],
    ],
    lost: { "string-pages": 2, "other-guest": 1.5 },
  },
  {
    lab: "08-exit-counting",
    what: "reasons that are not defined get zeros",
    file: "exits.asm",
    changes: [["        mov eax, -1\n", ""]],
    lost: { undefined: 2, "other-guest": 1.33 },
  },
  {
    lab: "09-schedule",
    what: "slices of a millisecond: the editor is served, and the switches are many",
    file: "latency.ringside.json",
    changes: [['"slice": 5000', '"slice": 1000']],
    lost: { calm: 3 },
  },
  {
    lab: "09-schedule",
    what: "the load itself is changed",
    file: "pinned.ringside.json",
    changes: [['"run": 6000', '"run": 5900']],
    lost: { "deviation-10": 3, "deviation-5": 3, "another-seed": 2 },
  },
  {
    lab: "10-hypervisor",
    what: "only the first guest",
    file: "hypervisor.asm",
    changes: [["        xor byte [second], 1\n        jnz second_guest\n", ""]],
    lost: { ept: 4, name: 2, undefined: 3, interrupt: 3, off: 1, isolated: 4 },
  },
  {
    lab: "10-hypervisor",
    what: "large pages, and whatever the guest touches is mapped",
    file: "hypervisor.asm",
    changes: [
      ["        cmp rax, GUEST_SIZE\n        jae failed\n", ""],
      [
        "        shr ecx, 12\n        and eax, -1000h\n        add eax, GUEST_BASE + 37h",
        "        shr ecx, 21\n        and eax, -200000h\n        add eax, GUEST_BASE + 0B7h",
      ],
      ["        mov [EPT + 3000h + rcx * 8], rax", "        mov [EPT + 2000h + rcx * 8], rax"],
    ],
    lost: { ept: 4, isolated: 4 },
  },
  {
    lab: "11-interrupts",
    what: "what was being delivered is forgotten",
    file: "interrupts.asm",
    changes: [["        test ebx, ebx\n        jns .nothing\n", "        jmp .nothing\n"]],
    lost: { moved: 4 },
  },
  {
    lab: "12-lock-holder",
    what: "PAUSE-loop exits under credit, which let one virtual CPU starve",
    file: "waiting.ringside.json",
    changes: [['"paravirtual"', '"pause-loop"']],
    lost: { waiting: 4 },
  },
  {
    lab: "12-lock-holder",
    what: "nobody is kicked",
    file: "lock.asm",
    changes: [["        je .kick\n", ""]],
    lost: { "done-80": 3, "done-36": 4, "one-kick": 3, busy: 4 },
  },
];
const changed = (files: Files, { file, changes }: Wrong): Files => {
  let text = utf8Text(files.get(file)!);
  for (const [from, to] of changes) {
    expect(text.split(from), from).toHaveLength(2);
    text = text.replace(from, () => to);
  }
  return new Map([...files, [file, bytes(text)]]);
};

describe.each(labNames)("%s", (name) => {
  const lab = readLab(name);

  test("is complete: text, files, a hidden check, a hint or feedback for each other", () => {
    const { files, given = [], text, checks } = lab.assignment;
    expect(text).toBe("README.md");
    expect([...lab.starter.keys(), ...lab.solution.keys()]).toEqual([...files, ...files]);
    expect([...lab.given.keys()]).toEqual(given);
    expect(checks.some(({ hidden }) => hidden)).toBe(true);
    expect(checks.filter(({ hint, feedback }) => !hint && !feedback).map(({ id }) => id)).toEqual([]);
  });

  test("the starter runs, and gets no points", async () => {
    const { points, scenarios, checks } = await gradeLab(lab, lab.starter);
    expect(scenarios.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    expect(checks.filter(({ status }) => status !== "failed").map(({ id }) => id)).toEqual([]);
    expect(points).toBe(0);
  });

  test("what students get has neither the solution nor hidden checks, and is an assignment by itself", () => {
    const { assignment, given, starter, solution } = lab;
    const { files } = studentBundle(assignment, { given, starter }, new Map([["README.md", bytes("")]]), "ada");
    const read = readAssignment(utf8Text(files.get("assignment.ringside.json")!));
    expect("problems" in read ? read.problems : []).toEqual([]);
    const text = [...files.values()].map(utf8Text).join("\n");
    for (const { id, hidden } of assignment.checks) expect(text.includes(`"id": "${id}"`), id).toBe(!hidden);
    for (const [name, content] of solution) expect(text.includes(utf8Text(content)), name).toBe(false);
    for (const name of assignment.files) expect(files.get(name)).toEqual(files.get(`.starter/${name}`));
    expect(text).not.toMatch(/\$\{[a-z]/);
  });

  test.each(lab.assignment.parameters ? ["ada", "grace"] : ["ada"])(
    "the solution gets all points as %s hands it in",
    async (student) => {
      const { points, of, checks } = await gradeLab(lab, lab.solution, student);
      expect(checks.filter(({ status }) => status !== "passed")).toEqual([]);
      expect(points).toBe(of);
    },
  );
});

describe("a wrong solution loses what it got wrong, and no more", () => {
  test.each(wrong.map((one) => [one.lab, one.what, one] as const))("%s: %s", async (name, _, one) => {
    const lab = readLab(name);
    const { checks } = await gradeLab(lab, changed(lab.solution, one));
    const lost = checks.filter(({ points, of }) => points !== of).map(({ id, points, of }) => [id, of - points]);
    expect(Object.fromEntries(lost)).toEqual(one.lost);
  });
});

test("the labs with a hypervisor of their own share its beginnings", () => {
  const texts = labNames.flatMap((name) => {
    const bytes = readLab(name).given.get("vmx.inc");
    return bytes ? [utf8Text(bytes)] : [];
  });
  expect(texts.length).toBeGreaterThan(1);
  expect(new Set(texts).size).toBe(1);
});
