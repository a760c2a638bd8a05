// Connection: one client, as a state machine on its loop.
//
//   idle ──first byte──► head ──complete──► body ──complete──► in hand (a fiber answers)
//    ▲                                                           │
//    ├───────────── keep-alive ── writing (what did not fit) ◄───┤
//    │                                │                          │
//   gone ◄──peer closed, 1 s── lingering ◄── close, refusal, time-out
//
// While idle it is this object and an epoll registration: no fiber, no buffer. A fiber is there
// only while a handler runs: a client that sends slowly or takes nothing holds memory, not a stack.
// The descriptor is registered once, edge-triggered, so a request costs one recv and one send.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "http/chunked.hpp"
#include "http/framing.hpp"
#include "http/server.hpp"
#include "io/loop.hpp"

namespace cleave::http {

struct Shared;  // server_impl.hpp
struct PerLoop;

class Connection final : io::FdHandler, io::Timer {
 public:
  /// Takes `fd` and lives until its end of its own accord; counted in shared.connections already.
  /// [loop of `home`]
  static void adopt(int fd, Shared& shared, PerLoop& home);
  /// Answers 503 and closes: there is no room for another connection. [any loop]
  static void turn_away(int fd) noexcept;

  /// For a drain: an idle connection goes unless a request has just arrived; a half-read request
  /// gets `grace`; one in hand is answered first. May destroy this. [loop]
  void drain(io::Millis grace);
  /// Goes at once; with a request in hand, as soon as its handler has returned. [loop]
  void abandon();

 private:
  enum class State : std::uint8_t { kIdle, kHead, kBody, kInHand, kWriting, kLingering };
  class Serving;

  Connection(int fd, Shared& shared, PerLoop& home);
  ~Connection() override;
  void on_ready(std::uint32_t events) override;
  void on_timer() override;

  void advance();
  void receive();
  bool take_request();
  bool take_body();
  bool admit_body();
  bool hold(std::size_t bytes);
  void let_go() noexcept;
  void hand_over();
  void serve();
  void refuse(const Refusal& refusal);

  void send(std::string_view head, std::string_view body) noexcept;
  void flush();
  int in_kernel() const noexcept;
  void answered();
  void linger();

  std::string_view pending() const noexcept { return std::string_view(input_).substr(at_); }
  void release_input() noexcept;
  void expire_in(io::Millis time);
  bool going() const noexcept;

  Shared& shared_;
  PerLoop& home_;
  io::Loop& loop_;
  int fd_;
  State state_ = State::kIdle;
  bool readable_ = true;  // a recv may bring something
  bool hung_up_ = false;  // so that a short read does not hide the end
  bool ended_ = false;    // the peer sends no more, or is gone
  bool close_ = false;    // after the answer at hand
  bool draining_ = false;
  io::TimePoint deadline_ = io::TimePoint::max();
  io::TimePoint armed_for_;
  std::string input_;          // received, not yet answered; from at_ on
  std::size_t at_ = 0;         // the request at hand starts here
  std::size_t looked_at_ = 0;  // bytes of pending() that the last parse saw
  std::size_t body_at_ = 0;    // of the request at hand, from at_
  std::size_t size_ = 0;
  std::size_t held_ = 0;        // of the body at hand, counted in shared_.held
  std::unique_ptr<Head> head_;  // while in hand
  std::unique_ptr<ChunkedDecoder> chunked_;
  std::string output_;  // what the socket did not take, from sent_ on
  std::size_t sent_ = 0;
  int queued_ = 0;  // bytes in the kernel when they last became fewer, while writing
  std::list<Connection*>::iterator place_;
};

}  // namespace cleave::http
