; The kernel of lab 5 with other numbers of frames and turns.
%define PAGES 48
%define TURNS 20
%define SEED 1111h
%include "memory.asm"
