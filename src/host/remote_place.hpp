// RemotePlace: a module in a host that somebody else runs.
#pragma once

#include <atomic>
#include <memory>

#include "host/place.hpp"
#include "http/remote_endpoint.hpp"

namespace cleave::host {

class RemotePlace final : public Place {
 public:
  /// `watched`: the place is asked every second whether it still answers, for readiness. Throws
  /// std::invalid_argument for a URL that makes no sense.
  RemotePlace(const Site& site, const std::string& module, const std::string& url, bool watched);
  void begin() override {}
  bool retire() noexcept override;
  bool tend() override;
  http::RemoteEndpoint& endpoint() noexcept override { return endpoint_; }
  std::string name() const override { return url_; }
  bool ours() const noexcept override { return false; }
  Found look() override;
  std::string why_not_ready() const override;

 private:
  io::Threads& threads_;
  std::string url_;
  bool watched_;
  http::RemoteEndpoint endpoint_;
  std::shared_ptr<void> collector_;
  std::atomic<bool> answers_{true};
  io::TimePoint next_look_ = {};
};

}  // namespace cleave::host
