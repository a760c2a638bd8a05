// Connection: one client, as a state machine on its loop.
//
//   idle ──first byte──► head ──complete──► body ──complete──► busy (a fiber answers)
//    ▲                                                          │ keep-alive
//    └──────────────────────────────────────────────────────────┘
//   any ──framing error, time-out, Connection: close──► lingering ──peer closed, 1 s──► gone
//
// While idle it is this object and an epoll registration: no fiber, no buffer, no thread. The
// descriptor is registered once, edge-triggered.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "http/chunked.hpp"
#include "http/framing.hpp"
#include "http/server.hpp"
#include "io/wait.hpp"

namespace cleave::http {

struct Shared;  // server_impl.hpp: what all connections of a server share
struct PerLoop;

class Connection final : io::FdHandler, io::Timer {
 public:
  /// Owns `fd`. Registers itself with the running loop and with `home`. [loop]
  Connection(int fd, Shared& shared, PerLoop& home);
  ~Connection() override;

  /// For a drain: an idle connection goes at once, a half-read request gets `grace`, one in hand
  /// is answered first. May destroy this. [loop]
  void drain(io::Millis grace);

 private:
  enum class State : std::uint8_t { kIdle, kHead, kBody, kBusy, kLingering };

  void on_ready(std::uint32_t events) override;
  void on_timer() override;

  void read_input();
  bool receive();
  Parse next_request();
  Parse parse_body();
  void dispatch();
  void serve();
  bool serve_one();
  void go_idle();

  bool send_now(std::string_view head, std::string_view body);
  void refuse(const Refusal& refusal);
  void linger();
  void destroy();
  void expire_in(io::Millis time);

  Shared& shared_;
  PerLoop& home_;
  io::Loop& loop_;
  int fd_;
  State state_ = State::kIdle;
  bool readable_ = false;   // bytes, or the end, came while busy
  bool ended_ = false;      // the peer sends no more
  bool close_ = false;      // after the answer at hand
  bool continued_ = false;  // 100 Continue was sent for this request
  bool draining_ = false;
  std::string input_;  // from the start of the request at hand
  std::size_t body_at_ = 0, request_size_ = 0;
  std::unique_ptr<ChunkedDecoder> chunked_;
  io::Waiter* writer_ = nullptr;  // the fiber that waits for room in the socket
  std::list<Connection*>::iterator place_;
};

}  // namespace cleave::http
