; The kernel of lab 3 with more pages.
%define PAGES 40
%include "kernel.asm"
