import { writeFileSync } from "node:fs";
import { Workbench } from "./support/workbench.ts";
const w = await Workbench.open();
const text = `        org 7C00h
start:  mov si, routine
        mov di, 8000h
        mov cx, routine.end - routine
        rep movsb
        mov bx, 8000h
        call bx
        hlt
routine:
        mov al, 5
        inc ax
        out 80h, al
        cpuid
        ret
.end:
`;
await w.command("View: Show Explorer");
await w.openFile("hello.asm");
await w.page.locator(".editor-instance .view-line").first().click();
await w.page.keyboard.press("Control+A");
await w.page.keyboard.insertText(text);
await w.page.keyboard.press("Control+S");
await w.debug("hello.asm", "vtx-ept");
await w.runTo(7);
await w.stopsAfter(() => w.page.keyboard.press("F11"));
await w.page.waitForTimeout(1500);
await w.screenshot("probe-1");
await w.stopsAfter(() => w.page.keyboard.press("F10"));
await w.page.waitForTimeout(1500);
await w.page.keyboard.press("ArrowDown");
await w.page.keyboard.press("ArrowDown");
await w.page.keyboard.press("F9");
await w.page.waitForTimeout(1500);
await w.continue();
await w.page.waitForTimeout(1500);
await w.screenshot("probe-2");
process.exit(0);
