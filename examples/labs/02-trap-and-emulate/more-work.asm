; The kernel of lab 2 with a process that prints more lines and sleeps longer.
%define LINES 9
%define WANTED ${ticks}
%include "kernel.asm"
