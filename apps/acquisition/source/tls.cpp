#include "acquisition/source/tls.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace daq::source {

namespace {

std::string reason_of_tls() {
  std::array<char, 200> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  const std::string_view all{text.data()};
  return std::string{all.substr(all.rfind(':') + 1)};
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  return inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 || inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

std::string fingerprint(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned n = 0;
  std::string digits;
  if (X509_digest(certificate, EVP_sha256(), bytes.data(), &n) != 1) return digits;
  for (unsigned i = 0; i < n; ++i) digits += fmt::format("{:02x}", bytes[i]);
  return digits;
}

}  // namespace

struct Tls::Session {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, SSL_free};
  BIO* in = nullptr;  // both are the session's
  BIO* out = nullptr;
};

Tls::Tls(const config::Http& target, std::unique_ptr<Protocol> inner)
    : target_{target},
      host_{config::parse_url(target.url).value_or(config::HttpUrl{}).host},
      inner_{std::move(inner)},
      session_{std::make_unique<Session>()} {
  session_->context.reset(SSL_CTX_new(TLS_client_method()));
  if (!session_->context) throw std::runtime_error{target.url + ": TLS: " + reason_of_tls()};
  // The certificate is judged once the connection stands, when it can be named; until then nothing is said.
  SSL_CTX_set_verify(session_->context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_default_verify_paths(session_->context.get());
}
Tls::~Tls() = default;

Protocol::Answer Tls::fail(const std::string& reason) const { return {.failed = target_.url + ": " + reason}; }

Protocol::Answer Tls::connected(Time /*now*/) {
  established_ = false;
  ERR_clear_error();
  session_->ssl.reset(SSL_new(session_->context.get()));
  session_->in = BIO_new(BIO_s_mem());
  session_->out = BIO_new(BIO_s_mem());
  if (!session_->ssl || session_->in == nullptr || session_->out == nullptr) return fail("TLS: " + reason_of_tls());
  SSL* const ssl = session_->ssl.get();
  SSL_set_bio(ssl, session_->in, session_->out);
  SSL_set_connect_state(ssl);
  if (is_address(host_)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host_.c_str());
  } else {
    SSL_set1_host(ssl, host_.c_str());
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host_.c_str()));
  }
  static_cast<void>(SSL_do_handshake(ssl));  // it has said its first word, and waits
  return sealed({});
}

Protocol::Answer Tls::received(std::span<const char> bytes, Time now, const Give& give) {
  SSL* const ssl = session_->ssl.get();
  ERR_clear_error();
  if (BIO_write(session_->in, bytes.data(), static_cast<int>(bytes.size())) != static_cast<int>(bytes.size()))
    return fail("TLS: " + reason_of_tls());
  Answer all;
  const auto add = [&all](Answer answer) {
    all.send += answer.send;
    all.failed = std::move(answer.failed);
    all.reopen = all.reopen || answer.reopen;
  };
  if (!established_) {
    const int done = SSL_do_handshake(ssl);
    if (done != 1 && SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ) return fail("no TLS comes about: " + reason_of_tls());
    if (done != 1) return sealed({});
    if (auto wrong = judge_certificate(); !wrong.empty()) return fail(wrong);
    established_ = true;
    add(inner_->connected(now));
  }
  std::array<char, 16384> plain{};
  while (all.failed.empty() && !all.reopen) {
    const int n = SSL_read(ssl, plain.data(), static_cast<int>(plain.size()));
    if (n > 0) {
      add(inner_->received(std::span{plain}.first(static_cast<std::size_t>(n)), now, give));
      continue;
    }
    const int error = SSL_get_error(ssl, n);
    if (error == SSL_ERROR_ZERO_RETURN) {
      add(inner_->closed(now, give));
    } else if (error != SSL_ERROR_WANT_READ) {
      return fail("TLS: " + reason_of_tls());
    }
    break;
  }
  return sealed(std::move(all));
}

Protocol::Answer Tls::due(Time now) { return established_ ? sealed(inner_->due(now)) : Answer{}; }

Protocol::Answer Tls::closed(Time now, const Give& give) { return established_ ? inner_->closed(now, give) : Answer{}; }

void Tls::disconnected() {
  inner_->disconnected();
  established_ = false;
}

Protocol::Answer Tls::sealed(Answer answer) {
  const auto plain = std::exchange(answer.send, {});
  if (!plain.empty() && SSL_write(session_->ssl.get(), plain.data(), static_cast<int>(plain.size())) <= 0 &&
      answer.failed.empty())
    answer.failed = fail("TLS: " + reason_of_tls()).failed;
  const auto waiting = BIO_ctrl_pending(session_->out);
  answer.send.resize(waiting);
  if (waiting > 0) static_cast<void>(BIO_read(session_->out, answer.send.data(), static_cast<int>(waiting)));
  return answer;
}

std::string Tls::judge_certificate() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{SSL_get1_peer_certificate(session_->ssl.get()), X509_free};
  if (!certificate) return "shows no certificate";
  const auto shown = fingerprint(certificate.get());
  if (!target_.pin.empty())
    return shown == target_.pin ? "" : "shows another certificate than http.pin; the SHA-256 of this one is " + shown;
  if (target_.self_signed) return "";
  const auto result = SSL_get_verify_result(session_->ssl.get());
  if (result == X509_V_OK) return "";
  return fmt::format("its certificate is not trusted ({}); if it is that of the box: http.pin: {}",
                     X509_verify_cert_error_string(result), shown);
}

}  // namespace daq::source
