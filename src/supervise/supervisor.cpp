#include "supervise/supervisor.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "observe/log.hpp"

namespace cleave::supervise {

Supervisor::Supervisor(const sigset_t& stop_signals) {
  sigset_t all = stop_signals;
  sigaddset(&all, SIGCHLD);
  signals_ = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signals_ < 0) {
    throw std::runtime_error(std::string("cannot wait for signals: ") + std::strerror(errno));
  }
}

Supervisor::~Supervisor() {
  for (const auto& process : processes_) {
    process->wanted = false;
    if (process->child) process->child->stop(SIGKILL, Millis(0));
    reap(*process);
  }
  close(signals_);
}

std::size_t Supervisor::start(ChildOptions child) {
  auto process = std::make_unique<Process>();
  process->relay = std::make_unique<Relay>(child.name, kNameWidth, processes_.size());
  process->options = std::move(child);
  process->options.output = process->relay->input();
  launch(*process);
  processes_.push_back(std::move(process));
  return processes_.size() - 1;
}

void Supervisor::launch(Process& process) {
  process.started = Clock::now();
  process.child = std::make_unique<Child>(process.options);
  process.leader = process.child->pid();
}

/// When it has ended: says so, and decides whether it comes back.
void Supervisor::reap(Process& process) {
  if (!process.child) return;
  if (process.child->running()) return;
  const int status = process.child->stop(0, Millis(0));
  process.child.reset();
  // What it left behind: nginx' workers outlive a master that was killed, and keep its port. Each
  // child leads a process group (child.cpp), whose number is nobody else's while it has members.
  kill(-process.leader, SIGKILL);
  process.relay->finish();
  process.ending = describe_end(status);
  process.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (!process.wanted || !keep_alive_) return;
  const auto lived = std::chrono::duration_cast<Millis>(Clock::now() - process.started);
  const Millis wait = process.backoff.next(lived);
  process.waits = true;
  process.again = Clock::now() + wait;
  log::warn("up", "a process ended; it is started again",
            {{"process", process.options.name},
             {"ended", process.ending},
             {"pid", std::to_string(process.leader)},
             {"lived_ms", std::to_string(lived.count())},
             {"wait_ms", std::to_string(wait.count())}});
}

void Supervisor::revive(Process& process) {
  if (!process.waits || Clock::now() < process.again) return;
  process.waits = false;
  try {
    launch(process);
  } catch (const std::runtime_error& error) {  // no memory, or the program was replaced just now
    process.waits = true;
    process.again = Clock::now() + process.backoff.next(Millis(0));
    log::error("up", "a process cannot be started; tried again later",
               {{"process", process.options.name}, {"why", error.what()}});
    return;
  }
  log::info("up", "started again",
            {{"process", process.options.name}, {"pid", std::to_string(process.child->pid())}});
}

/// Until there is a signal, a line, or a process to be started again.
void Supervisor::wait(Millis time) {
  std::vector<pollfd> ready{{signals_, POLLIN, 0}};
  for (const auto& process : processes_) {
    ready.push_back({process->relay->output(), POLLIN, 0});
    if (!process->waits) continue;
    const auto left = std::chrono::ceil<Millis>(process->again - Clock::now());
    time = std::max(Millis(0), std::min(time, left));
  }
  if (poll(ready.data(), ready.size(), static_cast<int>(time.count())) <= 0) return;
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    if (ready[i + 1].revents != 0) processes_[i]->relay->pump();
  }
}

int Supervisor::tend(Millis time) {
  wait(time);
  int stop = 0;
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGCHLD) stop = static_cast<int>(info.ssi_signo);
  }
  for (const auto& process : processes_) {
    reap(*process);
    revive(*process);
  }
  return stop;
}

int Supervisor::stop(std::size_t number, int signal, Millis patience) {
  Process& process = *processes_[number];
  process.waits = false;
  // Asked again, after a stop signal, it only goes on waiting: a host takes a second one as haste.
  if (std::exchange(process.wanted, false) && process.child) process.child->signal(signal);
  const auto give_up = Clock::now() + patience;
  while (process.child) {
    const int stop_signal = tend(Millis(100));
    if (stop_signal != 0) return stop_signal;
    if (process.child && Clock::now() >= give_up) {
      log::warn("up", "a process did not end in time and is killed",
                {{"process", process.options.name}});
      process.child->stop(SIGKILL, Millis(0));
    }
  }
  return 0;
}

pid_t Supervisor::pid(std::size_t number) const noexcept {
  const auto& child = processes_[number]->child;
  return child ? child->pid() : -1;
}

const std::string& Supervisor::ending(std::size_t number) const noexcept {
  return processes_[number]->ending;
}

int Supervisor::exit_code(std::size_t number) const noexcept {
  return processes_[number]->exit_code;
}

}  // namespace cleave::supervise
