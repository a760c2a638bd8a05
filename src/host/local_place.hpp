// LocalPlace: a module in this process, with all that is its own.
#pragma once

#include <memory>

#include "host/background.hpp"
#include "host/capabilities.hpp"
#include "host/instance.hpp"
#include "host/local_endpoint.hpp"
#include "host/place.hpp"

namespace cleave::host {

class LocalPlace final : public Place {
 public:
  LocalPlace(const Site& site, const loader::Library& library);
  void begin() override;
  bool retire() noexcept override;
  router::Endpoint& endpoint() noexcept override { return endpoint_; }
  std::string name() const override { return "here"; }
  Found look() override;
  std::string why_not_ready() const override;

 private:
  io::Threads& threads_;
  std::string version_;
  std::unique_ptr<postgres::Database> database_;  // null: none
  std::unique_ptr<Capabilities> capabilities_;
  std::unique_ptr<Instance> instance_;
  Background background_;
  LocalEndpoint endpoint_;
  std::shared_ptr<void> collector_;
};

}  // namespace cleave::host
