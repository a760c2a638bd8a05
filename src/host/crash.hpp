// Crash: the last line of a process that a module takes down with it. Fused modules share one
// address space, so a wild pointer in one ends all; what can still be done is to say whose it was.
#pragma once

#include "io/threads.hpp"

namespace cleave::host {

/// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT write one line to standard error and
/// then end the process as they would have (core file included):
///   cleave: SIGSEGV in module order, GET /orders/7; the whole process ends (see …)
///   cleave: stack overflow in module order, GET /orders/7; the whole process ends (see …)
/// The handler runs on a stack of its own on the loops of `threads` and on this thread. Does
/// nothing under a sanitizer, whose own report says more. Once a process. [main]
void install_crash_reporter(io::Threads& threads);

}  // namespace cleave::host
