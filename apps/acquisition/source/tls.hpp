#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "acquisition/config/config.hpp"
#include "acquisition/source/protocol.hpp"

namespace daq::source {

/// TLS around another protocol, in memory, without any I/O. Thread: io. Nothing of it is said before the certificate is known to
/// be the right one: by its pin; or, where any is taken, not at all; else by the system's authorities and the name of the host.
class Tls final : public Protocol {
 public:
  /// @throws std::runtime_error if OpenSSL cannot be used
  Tls(const config::Http& target, std::unique_ptr<Protocol> inner);
  ~Tls() override;

  [[nodiscard]] Answer connected(Time now) override;
  [[nodiscard]] Answer received(std::span<const char> bytes, Time now, const Give& give) override;
  [[nodiscard]] Answer due(Time now) override;
  [[nodiscard]] std::chrono::nanoseconds pause() const override { return inner_->pause(); }
  [[nodiscard]] Answer closed(Time now, const Give& give) override;
  void disconnected() override;
  void durable(const ledger::Durable& position) override { inner_->durable(position); }
  [[nodiscard]] std::vector<std::string> take_news() override { return inner_->take_news(); }
  [[nodiscard]] std::vector<Fault> take_faults() override { return inner_->take_faults(); }

 private:
  struct Session;

  /// What the inner protocol says, enciphered, and what TLS itself has to say.
  [[nodiscard]] Answer sealed(Answer answer);
  /// "" = it is the right one.
  [[nodiscard]] std::string judge_certificate() const;
  [[nodiscard]] Answer fail(const std::string& reason) const;

  const config::Http target_;
  const std::string host_;
  std::unique_ptr<Protocol> inner_;
  std::unique_ptr<Session> session_;  ///< of the connection
  bool established_ = false;
};

}  // namespace daq::source
