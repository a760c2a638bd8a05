// Acceptor: takes connections from a listener, on loop 0, and gives them to the loops in turn.
#pragma once

#include <cstddef>

#include "http/listener.hpp"
#include "http/server_impl.hpp"
#include "io/threads.hpp"

namespace cleave::http {

class Acceptor final : io::FdHandler, io::Timer {
 public:
  /// All outlive this. Nothing happens before start().
  Acceptor(const Listener& listener, Shared& shared, io::Threads& threads);
  ~Acceptor() override;

  void start();  // [loop 0]
  /// Takes what waits in the backlog, which closing the listener would reset, then no more.
  /// [loop 0]
  void finish();

  observe::Counter accepted, turned_away, failures;

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  bool accept_one();
  bool refuse_one();
  void pause();

  const Listener& listener_;
  Shared& shared_;
  io::Threads& threads_;
  int reserve_;  // a descriptor kept back, to refuse politely when there are no more
  std::size_t turn_ = 0;
};

}  // namespace cleave::http
