%include "more.inc"
