; The kernel of lab 1 on another machine: another task selector, other bits in CR0, more ticks.
%define TASK ${task}h
%define CR0_BITS 20h
%define WANTED 6
%include "kernel.asm"
