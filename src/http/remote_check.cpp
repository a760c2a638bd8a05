#include "http/remote_check.hpp"

namespace cleave::http {
namespace {

constexpr io::Millis kPause{1000};
constexpr int kTries = 60;

}  // namespace

void RemoteCheck::start() {
  if (peers_.empty()) return;
  threads_.run_on(0, [this] {
    running_ = true;
    io::Loop::current()->spawn([this] {
      ask_all();
      running_ = false;
      ended_.wake();
    });
  });
}

void RemoteCheck::ask_all() {
  for (int i = 0; i < kTries && !peers_.empty() && !stopping_; ++i) {
    std::erase_if(peers_, [this](const Peer& peer) {
      return !stopping_ && peer.endpoint->look(peer.caller) != RemoteEndpoint::Finding::kNoAnswer;
    });
    if (!peers_.empty() && !stopping_) pause_.wait(io::Clock::now() + kPause);
  }
}

void RemoteCheck::stop() {
  threads_.run_on(0, [this] {
    stopping_ = true;
    pause_.wake();
    // Each look has a deadline, so it does end.
    if (running_) ended_.wait(io::TimePoint::max());
  });
}

}  // namespace cleave::http
