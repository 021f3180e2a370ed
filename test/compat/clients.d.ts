// The two packages bring no types. Replies are of every shape, and are looked into.
type Reply = any; // eslint-disable-line @typescript-eslint/no-explicit-any

declare module 'authy-client' {
  /** What it is about, options, and a callback for who wants no promise. */
  type Call = (...args: unknown[]) => Promise<Reply>;

  export class Client {
    constructor(credentials: { key: string }, options?: { host?: string; timeout?: number });
    createApprovalRequest: Call;
    deleteUser: Call;
    getApplicationDetails: Call;
    getApplicationStatistics: Call;
    getApprovalRequest: Call;
    getPhoneInformation: Call;
    getUserStatus: Call;
    registerActivity: Call;
    registerUser: Call;
    requestCall: Call;
    requestSms: Call;
    startPhoneVerification: Call;
    verifyCallback: Call;
    verifyPhone: Call;
    verifyToken: Call;
  }
  export const enums: Record<string, Record<string, string>>;
  export const errors: { HttpError: typeof Error; ValidationFailedError: typeof Error };
}

declare module 'authy' {
  function authy(apiKey: string, apiUrl?: string): authy.Authy;
  namespace authy {
    /** Each takes a callback in the end, which gets an error or a reply. */
    type Call = (...args: unknown[]) => void;
    interface Authy {
      register_user: Call;
      delete_user: Call;
      user_status: Call;
      verify: Call;
      request_sms: Call;
      request_call: Call;
      phones(): Record<'verification_start' | 'verification_check' | 'verification_status' | 'info', Call>;
      send_approval_request: Call;
      check_approval_status: Call;
    }
  }
  export = authy;
}
