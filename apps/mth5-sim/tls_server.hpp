#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sim {

/// The server's end of TLS, in memory: a key and a certificate of its own, made anew at each start. Thread: main.
class TlsServer {
 public:
  /// @throws mth5::Error if OpenSSL cannot make them
  TlsServer();
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  /// SHA-256 of the certificate, 64 hexadecimal digits.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }

  /// With one client.
  class Session {
   public:
    explicit Session(const TlsServer& server);
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    /// What the client has sent. @returns what it says in it @param good  false: it speaks no TLS, and is to be left
    [[nodiscard]] std::string open(std::string_view bytes, bool& good);
    /// To be sent for the text, and what TLS has to say beside.
    [[nodiscard]] std::string seal(std::string_view text);

   private:
    struct Ssl;
    std::unique_ptr<Ssl> ssl_;
  };

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::string fingerprint_;
};

}  // namespace sim
