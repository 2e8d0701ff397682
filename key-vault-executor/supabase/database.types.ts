// Written by deno task types.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "public": {
    Tables: {
      "credential_events": {
        Row: {
          "action": string;
          "actor_id": string | null;
          "actor_kind": string;
          "credential_id": string;
          "credential_type": string;
          "executor_id": string | null;
          "id": string;
          "occurred_at": string;
          "request_id": string | null;
          "server_id": string | null;
          "service": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "action": string;
          "actor_id"?: string | null;
          "actor_kind": string;
          "credential_id": string;
          "credential_type": string;
          "executor_id"?: string | null;
          "id"?: string;
          "occurred_at"?: string;
          "request_id"?: string | null;
          "server_id"?: string | null;
          "service": string;
          "tenant_id": string;
        };
        Update: {
          "action"?: string;
          "actor_id"?: string | null;
          "actor_kind"?: string;
          "credential_id"?: string;
          "credential_type"?: string;
          "executor_id"?: string | null;
          "id"?: string;
          "occurred_at"?: string;
          "request_id"?: string | null;
          "server_id"?: string | null;
          "service"?: string;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "tenant_credentials": {
        Row: {
          "created_at": string;
          "credential_type": string;
          "encrypted_credentials": string;
          "encryption_key_id": string;
          "id": string;
          "last_used_at": string | null;
          "service": string;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "credential_type"?: string;
          "encrypted_credentials": string;
          "encryption_key_id"?: string;
          "id"?: string;
          "last_used_at"?: string | null;
          "service": string;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "created_at"?: string;
          "credential_type"?: string;
          "encrypted_credentials"?: string;
          "encryption_key_id"?: string;
          "id"?: string;
          "last_used_at"?: string | null;
          "service"?: string;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [];
      };
      "vault_tenants": {
        Row: {
          "closed_at": string | null;
          "credentials": number;
          "max_credentials": number;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "closed_at"?: string | null;
          "credentials"?: number;
          "max_credentials"?: number;
          "tenant_id": string;
        };
        Update: {
          "closed_at"?: string | null;
          "credentials"?: number;
          "max_credentials"?: number;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
    };
    Views: {
      [_ in never]: never;
    };
    Functions: {
      "close_tenant": { Args: { "tenant_id": string }; Returns: Json };
      "count_tenant_credentials": { Args: { "tenant_id": string }; Returns: Json };
      "delete_credential": { Args: { "caller": Json; "selector": Json }; Returns: Json };
      "list_credential_events": { Args: { "caller": Json; "filter": Json }; Returns: Json };
      "list_credentials": { Args: { "caller": Json; "filter": Json }; Returns: Json };
      "list_events": { Args: { "filter": Json }; Returns: Json };
      "list_sealed_credentials": { Args: { "filter": Json }; Returns: Json };
      "list_tenant_credentials": { Args: { "filter": Json }; Returns: Json };
      "purge_tenant_credentials": { Args: { "tenant_id": string }; Returns: Json };
      "read_status": { Args: Record<PropertyKey, never>; Returns: Json };
      "reseal_credentials": { Args: { "batch": Json; "request_id": string }; Returns: Json };
      "retrieve_credential": { Args: { "caller": Json; "selector": Json }; Returns: Json };
      "set_caller_password": { Args: { "verifier": string }; Returns: Json };
      "set_credential_quota": { Args: { "max_credentials"?: number; "tenant_id": string }; Returns: Json };
      "store_credential": { Args: { "caller": Json; "credential": Json }; Returns: Json };
      "use_credentials": { Args: { "caller": Json; "decided": Json }; Returns: Json };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Insert: infer I;
  } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Update: infer U;
  } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "public": {
    Enums: {},
  },
} as const;
