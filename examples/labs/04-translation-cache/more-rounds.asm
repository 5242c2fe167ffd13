; The program of lab 4 with more rounds.
%define ROUNDS 150
%include "cache.asm"
